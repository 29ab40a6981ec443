data "aws_iam_policy_document" "delivery" {
  statement {
    sid       = "AccessLogsAreWritten"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/${var.prefix}*"]

    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for bucket in values(var.buckets) : "arn:${local.partition}:s3:::${bucket}"]
    }
  }
}

module "bucket" {
  source = "../bucket"

  bucket_name     = local.bucket
  bucket_policy   = data.aws_iam_policy_document.delivery.json
  encryption      = "s3" # S3 delivers access logs to no bucket under SSE-KMS
  expiration_days = var.expiration_days
  noncurrent_days = var.noncurrent_days
  force_destroy   = var.force_destroy
  tags            = var.tags
}

resource "aws_s3_bucket_logging" "this" {
  for_each = var.buckets

  bucket        = each.value
  target_bucket = module.bucket.bucket_name
  target_prefix = var.prefix

  target_object_key_format {
    partitioned_prefix { # <prefix><account>/<region>/<bucket>/<year>/<month>/<day>/
      partition_date_source = "DeliveryTime"
    }
  }
}
