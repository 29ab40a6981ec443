# A key of the queues alone: SNS and EventBridge may use it, and never the one of the lake.
data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:a key policy speaks of its own key alone
  #checkov:skip=CKV_AWS_111:a key policy speaks of its own key alone
  #checkov:skip=CKV_AWS_356:"*" in a key policy is that key
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
    for_each = length(var.topic_arns) == 0 ? [] : [sort(distinct(var.topic_arns))]

    content {
      sid       = "ListedTopics"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
      resources = ["*"]

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

resource "aws_kms_key" "this" {
  description         = "Headwater: intake and dead-letter queues (${var.name})"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.key.minified_json
  tags                = var.tags
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}-queue"
  target_key_id = aws_kms_key.this.key_id
}
