data "aws_iam_policy_document" "intake" {
  dynamic "statement" {
    for_each = local.announcers

    content {
      sid       = "TopicsOf${statement.key}"
      actions   = ["sqs:SendMessage"]
      resources = [local.queue_arn]

      principals {
        type        = "Service"
        identifiers = local.sns_principals
      }

      condition {
        test     = "StringEquals"
        variable = statement.value.key
        values   = statement.value.values
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.topic_arns) == 0 ? [] : [sort(distinct(var.topic_arns))]

    content {
      sid       = "ListedTopics"
      actions   = ["sqs:SendMessage"]
      resources = [local.queue_arn]

      principals {
        type        = "Service"
        identifiers = local.sns_principals
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = statement.value
      }
    }
  }

  dynamic "statement" {
    for_each = local.has_bus ? [local.bus_rule_arn] : []

    content {
      sid       = "CentralBus"
      actions   = ["sqs:SendMessage"]
      resources = [local.queue_arn]

      principals {
        type        = "Service"
        identifiers = ["events.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [statement.value]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account_id]
      }
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.queue_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

# Policies are arguments of the queues: as resources of their own each would wait 25 s more.
resource "aws_sqs_queue" "intake" {
  name                       = "${var.name}-intake"
  kms_master_key_id          = aws_kms_key.this.arn
  visibility_timeout_seconds = var.visibility_timeout_s
  message_retention_seconds  = 1209600 # 14 days, the most SQS keeps
  receive_wait_time_seconds  = 20
  policy                     = data.aws_iam_policy_document.intake.minified_json
  tags                       = var.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = var.max_receive_count
  })

  lifecycle {
    precondition {
      condition     = length(data.aws_iam_policy_document.intake.minified_json) <= 8192 # SQS quota
      error_message = "The queue's policy would exceed the 8,192 bytes of SQS: too many customer_account_ids. Give organization_id and list only the accounts outside of it."
    }
  }
}

data "aws_iam_policy_document" "dead_letters" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.dead_letter_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  kms_master_key_id         = aws_kms_key.this.arn
  message_retention_seconds = 1209600
  policy                    = data.aws_iam_policy_document.dead_letters.minified_json
  tags                      = var.tags

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arn]
  })
}
