# aws:SourceArn without aws:SourceAccount: the trail's ARN names the account, and CloudTrail documents no more than that.
data "aws_iam_policy_document" "delivery" {
  statement {
    sid       = "CloudTrailChecks"
    actions   = ["s3:GetBucketAcl"]
    resources = [local.bucket_arn]

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

  statement {
    sid       = "CloudTrailWrites"
    actions   = ["s3:PutObject"]
    resources = [for owner in local.owners : "${local.bucket_arn}/${var.prefix}AWSLogs/${owner}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
  }
}

module "bucket" {
  source = "../bucket"

  bucket_name     = local.bucket
  bucket_policy   = data.aws_iam_policy_document.delivery.json
  key_policy      = data.aws_iam_policy_document.encrypt.json
  reader_role_arn = var.reader_role_arn
  expiration_days = var.expiration_days
  noncurrent_days = var.noncurrent_days
  force_destroy   = var.force_destroy
  tags            = var.tags
}
