resource "aws_glue_catalog_database" "this" {
  for_each = local.databases

  name         = each.value
  description  = "Headwater: Iceberg tables of ${each.value}"
  location_uri = "s3://${local.lake_bucket}/lake/${each.value}"
  tags         = var.tags
}
