resource "aws_sns_topic" "alerts" {
  count = var.alerts_topic ? 1 : 0

  name              = "${var.name}-alerts"
  display_name      = "Headwater alerts"
  kms_master_key_id = aws_kms_key.this.arn
  tags              = var.tags
}
