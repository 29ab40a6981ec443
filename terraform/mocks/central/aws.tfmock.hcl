# Random strings, the default of mocks, are refused where the schema wants ARNs or JSON.
mock_data "aws_partition" {
  defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
}

mock_data "aws_region" {
  defaults = { id = "us-east-1" }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "999988887777" }
}

mock_data "aws_iam_policy_document" {
  defaults = {
    json          = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
    minified_json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:us-east-1:999988887777:key/00000000-0000-4000-8000-000000000000" }
}

mock_resource "aws_sqs_queue" {
  defaults = { arn = "arn:aws:sqs:us-east-1:999988887777:mocked", url = "https://sqs.us-east-1.amazonaws.com/999988887777/mocked" }
}

mock_resource "aws_cloudwatch_event_bus" {
  defaults = { arn = "arn:aws:events:us-east-1:999988887777:event-bus/mocked" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::999988887777:role/mocked" }
}

mock_data "aws_availability_zones" {
  defaults = { names = ["us-east-1a", "us-east-1b", "us-east-1c"] }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:us-east-1:999988887777:log-group:mocked" }
}

mock_resource "aws_db_instance" {
  defaults = {
    address            = "state.example.com"
    resource_id        = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:rds-AbCdEf" }]
  }
}

mock_resource "aws_rds_cluster" {
  defaults = {
    endpoint            = "cluster.example.com"
    cluster_resource_id = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    master_user_secret  = [{ secret_arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:rds-AbCdEf" }]
  }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:us-east-1:999988887777:mocked" }
}

mock_resource "aws_ecr_repository" {
  defaults = { repository_url = "999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater" }
}

mock_resource "aws_ecs_cluster" {
  defaults = { id = "arn:aws:ecs:us-east-1:999988887777:cluster/mocked" }
}

mock_resource "aws_ecs_task_definition" {
  defaults = { arn = "arn:aws:ecs:us-east-1:999988887777:task-definition/mocked:1" }
}

mock_resource "aws_appautoscaling_policy" {
  defaults = { arn = "arn:aws:autoscaling:us-east-1:999988887777:scalingPolicy:00000000-0000-4000-8000-000000000000:resource/ecs/service/mocked:policyName/mocked" }
}

mock_resource "aws_vpc" {
  defaults = { id = "vpc-0123456789abcdef0" }
}

mock_resource "aws_subnet" {
  defaults = { id = "subnet-0123456789abcdef0" }
}

mock_resource "aws_security_group" {
  defaults = { id = "sg-0123456789abcdef0" }
}
