resource "aws_glue_catalog_database" "this" {
  for_each = local.databases

  name         = each.value
  description  = "Headwater: Iceberg tables of ${each.value}"
  location_uri = "s3://${local.bucket}/lake/${each.value}"
  tags         = var.tags
}

# The tables are made by the service when their first rows arrive, so optimizers are named for tables that exist.
resource "aws_glue_catalog_table_optimizer" "this" {
  for_each = local.optimizers

  catalog_id    = local.account_id
  database_name = each.value.database
  table_name    = each.value.table
  type          = each.value.kind

  configuration {
    enabled  = true
    role_arn = aws_iam_role.optimizer[0].arn

    dynamic "retention_configuration" {
      for_each = each.value.kind == "retention" ? [1] : []

      content {
        iceberg_configuration {
          snapshot_retention_period_in_days = 3 # longer than a batch can stay prepared
          number_of_snapshots_to_retain     = 100
          clean_expired_files               = true
        }
      }
    }

    dynamic "orphan_file_deletion_configuration" {
      for_each = each.value.kind == "orphan_file_deletion" ? [1] : []

      content {
        iceberg_configuration {
          orphan_file_retention_period_in_days = 7
          location                             = "s3://${local.bucket}/lake/${each.value.database}"
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.optimizer]
}
