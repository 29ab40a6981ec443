data "aws_iam_policy_document" "encrypt" {
  #checkov:skip=CKV_AWS_111:a key policy speaks of its own key alone
  #checkov:skip=CKV_AWS_356:"*" in a key policy is that key
  statement {
    sid       = "CloudTrailEncrypts"
    actions   = ["kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey"] # Decrypt: CloudTrail asks for it where the bucket has a bucket key
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }
}
