data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:a key policy speaks of its own key alone
  #checkov:skip=CKV_AWS_111:a key policy speaks of its own key alone
  #checkov:skip=CKV_AWS_356:"*" in a key policy is that key
  source_policy_documents = [var.key_policy]

  statement {
    sid       = "AccountAdministers"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.root_arn]
    }
  }

  # The account root with aws:PrincipalArn, not the role itself: the role is made after the bucket that it reads.
  statement {
    sid       = "HeadwaterDecrypts"
    actions   = ["kms:Decrypt"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.root_arn]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values   = [local.reader_role_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = local.via_s3
    }
  }
}

resource "aws_kms_key" "this" {
  count = var.encryption == "kms" ? 1 : 0

  description         = "Headwater: logs in ${var.bucket_name}"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.key.minified_json
  tags                = var.tags
}

resource "aws_kms_alias" "this" {
  count = var.encryption == "kms" ? 1 : 0

  name          = "alias/${replace(var.bucket_name, ".", "_")}"
  target_key_id = aws_kms_key.this[0].key_id
}
