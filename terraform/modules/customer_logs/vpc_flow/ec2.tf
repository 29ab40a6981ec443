resource "aws_flow_log" "this" {
  for_each = var.vpc_ids

  vpc_id                   = each.value
  traffic_type             = var.traffic_type
  log_destination_type     = "s3"
  log_destination          = "arn:${local.partition}:s3:::${module.bucket.bucket_name}${var.prefix == "" ? "" : "/${var.prefix}"}"
  log_format               = local.log_format
  max_aggregation_interval = var.aggregation_interval_s
  tags                     = merge({ Name = "${var.name}-${each.key}" }, var.tags)

  destination_options {
    file_format                = var.file_format
    hive_compatible_partitions = false # its keys hide the account from readers of plain paths
    per_hour_partition         = true
  }
}
