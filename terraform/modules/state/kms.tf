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
}

resource "aws_kms_key" "this" {
  count = local.makes_key ? 1 : 0

  description         = "Headwater: state database and its administrator's secret (${var.name})"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.key.minified_json
  tags                = var.tags
}

resource "aws_kms_alias" "this" {
  count = local.makes_key ? 1 : 0

  name          = "alias/${var.name}-state"
  target_key_id = aws_kms_key.this[0].key_id
}
