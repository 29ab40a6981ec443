# Where alarms go when no topic of yours is named. Encrypted with a key that CloudWatch may use.
data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

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
      identifiers = ["arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:root"]
    }
  }

  statement {
    sid       = "AlarmsPublish"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "AlarmsPublish"
    actions   = ["sns:Publish"]
    resources = ["arn:${data.aws_partition.this.partition}:sns:${local.region}:${data.aws_caller_identity.this.account_id}:${var.name}-alarms"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = ["arn:${data.aws_partition.this.partition}:sns:${local.region}:${data.aws_caller_identity.this.account_id}:${var.name}-alarms"]

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

resource "aws_kms_key" "alarms" {
  count = var.create_alarm_topic ? 1 : 0

  description         = "Headwater: topic of the alarms (${var.name})"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.key.minified_json
  tags                = var.tags
}

resource "aws_sns_topic" "alarms" {
  count = var.create_alarm_topic ? 1 : 0

  name              = "${var.name}-alarms"
  display_name      = "Headwater alarms"
  kms_master_key_id = aws_kms_key.alarms[0].arn
  policy            = data.aws_iam_policy_document.topic.minified_json
  tags              = var.tags
}
