mock_provider "aws" {
  source = "../../mocks/central"
}

variables {
  organization_id = "o-exampleorgid"
}

run "queues_are_encrypted_and_keep_what_fails" {
  command = apply

  assert {
    condition     = aws_sqs_queue.intake.kms_master_key_id == aws_kms_key.this.arn && aws_sqs_queue.dead_letters.kms_master_key_id == aws_kms_key.this.arn
    error_message = "Both under the module's key."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.intake.redrive_policy).maxReceiveCount == 20 && aws_sqs_queue.dead_letters.message_retention_seconds == 1209600
    error_message = "A notification that fails is kept for 14 days."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letters.redrive_allow_policy).sourceQueueArns == ["arn:aws:sqs:us-east-1:999988887777:headwater-intake"]
    error_message = "Dead letters of this queue only."
  }
}

run "an_organisation_has_a_bus" {
  command = apply

  assert {
    condition     = output.event_bus_arn != null && aws_cloudwatch_event_target.intake[0].arn == aws_sqs_queue.intake.arn
    error_message = "Its events go to the queue."
  }
}

run "nobody_to_use_a_bus_no_bus" {
  command = plan

  variables {
    organization_id      = null
    customer_account_ids = ["111122223333"]
  }

  assert {
    condition     = length(aws_cloudwatch_event_bus.this) + length(aws_cloudwatch_event_rule.intake) == 0 && output.event_bus_arn == null
    error_message = "SNS alone."
  }
}
