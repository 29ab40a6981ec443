resource "aws_cloudtrail" "this" {
  #checkov:skip=CKV_AWS_252:objects are announced by the bucket, as those of every source
  #checkov:skip=CKV2_AWS_10:Headwater reads the objects; CloudWatch Logs would bill every event a second time
  name                          = var.name
  s3_bucket_name                = module.bucket.bucket_name
  s3_key_prefix                 = var.prefix == "" ? null : trimsuffix(var.prefix, "/")
  kms_key_id                    = module.bucket.kms_key_arn
  is_multi_region_trail         = true
  include_global_service_events = true
  is_organization_trail         = var.organization_id != null
  enable_log_file_validation    = true
  tags                          = var.tags

  advanced_event_selector {
    name = "Management events"

    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
  }

  dynamic "advanced_event_selector" {
    for_each = var.data_event_types

    content {
      name = "Data events of ${advanced_event_selector.value}"

      field_selector {
        field  = "eventCategory"
        equals = ["Data"]
      }

      field_selector {
        field  = "resources.type"
        equals = [advanced_event_selector.value]
      }

      # Without this every object that CloudTrail writes into its own bucket would be an event of the next.
      dynamic "field_selector" {
        for_each = advanced_event_selector.value == "AWS::S3::Object" ? [local.bucket_arn] : []

        content {
          field           = "resources.ARN"
          not_starts_with = ["${field_selector.value}/"]
        }
      }
    }
  }

  dynamic "insight_selector" {
    for_each = var.insight_types

    content {
      insight_type = insight_selector.value
    }
  }
}
