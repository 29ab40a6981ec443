data "aws_region" "this" {}

locals {
  region        = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`
  namespace     = var.name                # of the metrics made from the log; one deployment, one namespace
  alarm_actions = concat(var.alarm_topic_arns, [for topic in aws_sns_topic.alarms : topic.arn])
  has_service   = var.cluster_name != null

  # The worker's log has one JSON object a line; `object_processed` is written once for each object.
  counted = {
    ObjectsProcessed    = { pattern = "{ $.event = \"object_processed\" }", value = "1" }
    RowsIn              = { pattern = "{ $.event = \"object_processed\" }", value = "$.rows_in" }
    RowsRejected        = { pattern = "{ $.event = \"object_processed\" }", value = "$.rejects" }
    Matches             = { pattern = "{ $.event = \"object_processed\" }", value = "$.matches" }
    ObjectsFailed       = { pattern = "{ $.event = \"object_failed\" }", value = "1" }
    MessagesPutAside    = { pattern = "{ $.event = \"message_dead_lettered\" }", value = "1" }
    BatchesTakenOver    = { pattern = "{ $.event = \"batch_taken_over\" }", value = "1" }
    CommitsFailed       = { pattern = "{ $.event = \"commit_failed\" }", value = "1" }
    DetectionsSuspended = { pattern = "{ $.event = \"detection_suspended\" }", value = "1" }
  }
}
