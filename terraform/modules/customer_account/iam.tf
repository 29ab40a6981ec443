# Who may assume the reader role. The account root with aws:PrincipalArn, not the role itself: a role named as principal
# must exist already, and becomes a dead AROA id once it is deleted and made again.
data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "HeadwaterWorker"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${var.central_account_id}:root"]
    }

    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values   = [var.worker_role_arn]
    }

    dynamic "condition" {
      for_each = var.organization_id == null ? [] : [var.organization_id]

      content {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = [condition.value]
      }
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "ReadObjects"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = flatten([for bucket, prefixes in local.prefixes : [for prefix in prefixes : "arn:${local.partition}:s3:::${bucket}/${prefix}*"]])

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  statement {
    sid       = "LocateBuckets"
    actions   = ["s3:GetBucketLocation"]
    resources = [for bucket in local.buckets : "arn:${local.partition}:s3:::${bucket}"]
  }

  dynamic "statement" {
    for_each = local.prefixes

    content {
      actions   = ["s3:ListBucket"]
      resources = ["arn:${local.partition}:s3:::${statement.key}"]

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["true"]
      }

      dynamic "condition" {
        for_each = contains(statement.value, "") ? [] : [statement.value] # prefix "": the whole bucket may be listed

        content {
          test     = "StringLike"
          variable = "s3:prefix"
          values   = [for prefix in condition.value : "${prefix}*"]
        }
      }
    }
  }

  # No kms:EncryptionContext condition: with a bucket key the context is the bucket's ARN, without one the object's.
  dynamic "statement" {
    for_each = local.key_arns

    content {
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = local.via_s3[statement.value]
      }
    }
  }
}

resource "aws_iam_role" "this" {
  count = local.makes_role ? 1 : 0

  name                 = local.role_name
  path                 = var.role_path
  description          = "Headwater reads the logs of ${var.account_name}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600 # a worker that is a role itself cannot get more (role chaining)
  tags                 = var.tags
}

resource "aws_iam_role_policy" "read" {
  count = local.makes_role && length(var.sources) > 0 ? 1 : 0

  name   = "read-logs"
  role   = aws_iam_role.this[0].name
  policy = data.aws_iam_policy_document.read.json
}
