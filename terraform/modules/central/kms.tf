# Two keys: SNS and EventBridge may use the one of the queues, and never the one of the lake.
data "aws_iam_policy_document" "queue_key" {
  statement {
    sid       = "AccountAdministers"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.root_arn]
    }
  }

  # Without these SNS drops notifications for an encrypted queue, and nobody sees an error.
  dynamic "statement" {
    for_each = local.announcers

    content {
      sid       = "TopicsOf${statement.key}"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
      resources = ["*"]

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
    for_each = local.has_bus ? [local.bus_rule_arn] : []

    content {
      sid       = "CentralBus"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
      resources = ["*"]

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
}

resource "aws_kms_key" "queue" {
  description         = "Headwater: intake and dead-letter queues (${var.name})"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.queue_key.minified_json
  tags                = var.tags
}

resource "aws_kms_alias" "queue" {
  name          = "alias/${var.name}-queue"
  target_key_id = aws_kms_key.queue.key_id
}

data "aws_iam_policy_document" "lake_key" {
  statement {
    sid       = "AccountAdministers"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.root_arn]
    }
  }

  # CloudWatch Logs sends no aws:SourceAccount; the encryption context names the one log group of this account.
  statement {
    sid       = "WorkerLogGroup"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.${local.dns_suffix}"]
    }

    condition {
      test     = "ArnEquals"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = [local.log_group_arn]
    }
  }
}

resource "aws_kms_key" "lake" {
  description         = "Headwater: lake, worker log and alerts topic (${var.name})"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.lake_key.minified_json
  tags                = var.tags
}

resource "aws_kms_alias" "lake" {
  name          = "alias/${var.name}-lake"
  target_key_id = aws_kms_key.lake.key_id
}
