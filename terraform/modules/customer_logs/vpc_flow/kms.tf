data "aws_iam_policy_document" "encrypt" {
  #checkov:skip=CKV_AWS_111:a key policy speaks of its own key alone
  #checkov:skip=CKV_AWS_356:"*" in a key policy is that key
  statement {
    sid       = "LogDeliveryEncrypts"
    actions   = ["kms:GenerateDataKey*", "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:DescribeKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["delivery.logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:logs:${local.region}:${local.account_id}:*"]
    }
  }
}
