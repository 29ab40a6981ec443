data "aws_iam_policy_document" "alerts_topic" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [local.alerts_topic_arn]

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

# Who may publish is said by the roles of this account.
resource "aws_sns_topic" "alerts" {
  count = var.alerts_topic ? 1 : 0

  name              = "${var.name}-alerts"
  display_name      = "Headwater alerts"
  kms_master_key_id = aws_kms_key.this.arn
  policy            = data.aws_iam_policy_document.alerts_topic.minified_json
  tags              = var.tags
}
