mock_provider "aws" {
  source = "../../mocks/central"
}

run "lake_is_private_versioned_and_encrypted" {
  command = apply

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versioned."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == aws_kms_key.this.arn
    error_message = "Encrypted with the lake's key."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.restrict_public_buckets && aws_s3_bucket_public_access_block.this.block_public_policy
    error_message = "Never public."
  }
}

run "only_query_results_expire" {
  command = plan

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : one(rule.filter).prefix if length(rule.expiration) > 0] == ["athena-results/"]
    error_message = "Iceberg's files stay until Iceberg deletes them."
  }
}

run "databases_are_the_namespaces_of_the_service" {
  command = plan

  assert {
    condition     = output.databases == tolist(["detections", "logs", "monitor"])
    error_message = "PyIceberg's namespaces."
  }
}

run "queries_cannot_choose_their_place_or_key" {
  command = apply

  assert {
    condition     = aws_athena_workgroup.this.configuration[0].enforce_workgroup_configuration && aws_athena_workgroup.this.configuration[0].result_configuration[0].output_location == "s3://headwater-lake-999988887777/athena-results/"
    error_message = "Results lie beside the lake."
  }

  assert {
    condition     = aws_athena_workgroup.this.configuration[0].bytes_scanned_cutoff_per_query == 1099511627776
    error_message = "1 TiB a query."
  }
}

run "no_optimizer_without_tables" {
  command = plan

  assert {
    condition     = length(aws_iam_role.optimizer) + length(aws_glue_catalog_table_optimizer.this) == 0
    error_message = "Tables appear with their first rows."
  }
}

run "named_tables_are_optimized" {
  command = apply

  variables {
    optimized_tables = { "logs.aws_cloudtrail" = ["compaction", "retention", "orphan_file_deletion"], "logs.aws_alb" = ["compaction"] }
  }

  assert {
    condition = keys(aws_glue_catalog_table_optimizer.this) == [
      "logs.aws_alb/compaction", "logs.aws_cloudtrail/compaction", "logs.aws_cloudtrail/orphan_file_deletion", "logs.aws_cloudtrail/retention",
    ]
    error_message = "One optimizer for each."
  }

  assert {
    condition     = aws_glue_catalog_table_optimizer.this["logs.aws_cloudtrail/orphan_file_deletion"].configuration[0].orphan_file_deletion_configuration[0].iceberg_configuration[0].location == "s3://headwater-lake-999988887777/lake/logs"
    error_message = "Nothing outside of the tables' own folder is deleted."
  }
}
