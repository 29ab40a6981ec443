# `bucket`, not `id`: known at plan, as customer_account needs it for its keys of for_each.
resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:customer_logs/s3_access logs it where asked; a log bucket that logged itself would never end
  #checkov:skip=CKV_AWS_144:a copy elsewhere is the customer's choice
  #checkov:skip=CKV_AWS_145:S3 cannot deliver access logs to a bucket under SSE-KMS; all others have a key of their own
  #checkov:skip=CKV2_AWS_62:customer_account makes the notification
  bucket        = var.bucket_name
  force_destroy = var.force_destroy
  tags          = var.tags
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    bucket_key_enabled = var.encryption == "kms"

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.encryption == "kms" ? "aws:kms" : "AES256"
      kms_master_key_id = one(aws_kms_key.this[*].arn)
    }
  }
}

# Ownership, public access block, policy: one after the other, because S3 answers "conflicting conditional operation" when
# they meet.
resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true

  depends_on = [aws_s3_bucket_ownership_controls.this]
}

data "aws_iam_policy_document" "bucket" {
  source_policy_documents = [var.bucket_policy]

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket_arn, "${local.bucket_arn}/*"]

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

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.bucket
  policy = data.aws_iam_policy_document.bucket.json

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.expiration_days
    }

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
