# What the worker needs; the service module puts it on the worker's role.
data "aws_iam_policy_document" "writer" {
  statement {
    sid       = "LakeObjects"
    actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${local.bucket_arn}/lake/*"]
  }

  statement {
    sid       = "Configuration" # accounts.yml and its lock
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arn}/config/*"]
  }

  statement {
    sid       = "LakeBucket"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [local.bucket_arn]
  }

  statement {
    sid = "LakeCatalog"
    actions = [
      "glue:CreateDatabase", "glue:CreateTable", "glue:DeleteTable", "glue:GetDatabase", "glue:GetDatabases",
      "glue:GetTable", "glue:GetTables", "glue:UpdateTable",
    ]
    resources = local.catalog_arns
  }

  statement {
    sid       = "LakeKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
  }
}

# What an analyst needs: queries in the workgroup, no write to any table.
data "aws_iam_policy_document" "reader" {
  statement {
    sid       = "ReadTables"
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arn}/lake/*", "${local.bucket_arn}/${local.results}/*"]
  }

  statement {
    sid       = "WriteResults"
    actions   = ["s3:AbortMultipartUpload", "s3:PutObject"]
    resources = ["${local.bucket_arn}/${local.results}/*"]
  }

  statement {
    sid       = "ListBucket"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [local.bucket_arn]
  }

  statement {
    sid       = "ReadCatalog"
    actions   = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]
    resources = local.catalog_arns
  }

  statement {
    sid = "RunQueries"
    actions = [
      "athena:BatchGetQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetWorkGroup",
      "athena:ListQueryExecutions", "athena:StartQueryExecution", "athena:StopQueryExecution",
    ]
    resources = ["arn:${local.partition}:athena:${local.region}:${local.account_id}:workgroup/${var.name}"]
  }

  statement {
    sid       = "LakeKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = distinct([for suffix in ["amazonaws.com", data.aws_partition.this.dns_suffix] : "s3.${local.region}.${suffix}"])
    }
  }
}

data "aws_iam_policy_document" "optimizer_trust" {
  statement {
    sid     = "GlueOptimizers"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["glue.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

data "aws_iam_policy_document" "optimizer" {
  statement {
    sid       = "RewriteFiles"
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${local.bucket_arn}/lake/*"]
  }

  statement {
    sid       = "ListBucket"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [local.bucket_arn]
  }

  statement {
    sid       = "UpdateTables"
    actions   = ["glue:GetTable", "glue:UpdateTable"]
    resources = local.catalog_arns
  }

  statement {
    sid       = "LakeKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws-glue/iceberg-*"]
  }
}

resource "aws_iam_role" "optimizer" {
  count = length(local.optimizers) == 0 ? 0 : 1

  name                 = "${var.name}-optimizer"
  description          = "Glue compacts and cleans the Headwater lake"
  assume_role_policy   = data.aws_iam_policy_document.optimizer_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "optimizer" {
  count = length(local.optimizers) == 0 ? 0 : 1

  name   = "optimizer"
  role   = aws_iam_role.optimizer[0].name
  policy = data.aws_iam_policy_document.optimizer.json
}
