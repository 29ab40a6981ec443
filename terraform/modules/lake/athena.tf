# Readers cannot choose where results go, nor with which key: they lie beside the lake and expire.
resource "aws_athena_workgroup" "this" {
  name          = var.name
  description   = "Queries over the Headwater lake"
  force_destroy = var.force_destroy
  tags          = merge({ managed-by = "headwater" }, var.tags)

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.query_limit_gib * 1024 * 1024 * 1024

    engine_version {
      selected_engine_version = "Athena engine version 3" # the first that writes and evolves Iceberg
    }

    result_configuration {
      output_location       = "s3://${local.bucket}/${local.results}/"
      expected_bucket_owner = local.account_id

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = aws_kms_key.this.arn
      }
    }
  }
}
