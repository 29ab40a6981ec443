mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  organization_id      = "o-exampleorgid"
  image                = "999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0"
  subnet_ids           = ["subnet-0123456789abcdef0"]
  security_group_ids   = ["sg-0123456789abcdef0"]
  state_url_secret_arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:headwater-state-AbCdEf"
}

run "container_is_unprivileged" {
  command = apply

  assert {
    condition     = jsondecode(aws_ecs_task_definition.worker[0].container_definitions)[0].readonlyRootFilesystem && jsondecode(aws_ecs_task_definition.worker[0].container_definitions)[0].user == "10001:10001"
    error_message = "Read-only root file system, no root user."
  }

  assert {
    condition     = aws_ecs_service.worker[0].deployment_circuit_breaker[0].rollback
    error_message = "A broken release rolls back."
  }

  assert {
    condition     = { for v in jsondecode(aws_ecs_task_definition.worker[0].container_definitions)[0].environment : v.name => v.value }["HEADWATER_LAKE_WAREHOUSE"] == "s3://headwater-lake-999988887777/lake"
    error_message = "The worker knows its lake."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.worker[0].container_definitions)[0].secrets == [{ name = "HEADWATER_STATE_URL", valueFrom = var.state_url_secret_arn }]
    error_message = "The state's URL comes from the secret, not from the environment."
  }
}

run "without_an_image_there_is_no_ecs" {
  command = plan

  variables {
    image = null
  }

  assert {
    condition     = length(aws_ecs_cluster.this) + length(aws_ecs_task_definition.worker) + length(aws_ecs_service.worker) + length(aws_iam_role.execution) == 0
    error_message = "Another scheduler runs the worker."
  }
}

run "the_service_can_be_left_out" {
  command = plan

  variables {
    create_service       = false
    state_url_secret_arn = null
    subnet_ids           = []
  }

  assert {
    condition     = length(aws_ecs_task_definition.worker) == 1 && length(aws_ecs_service.worker) == 0
    error_message = "Task definition only."
  }
}

run "lake_is_private_versioned_and_encrypted" {
  command = apply

  assert {
    condition     = aws_s3_bucket_versioning.lake.versioning_configuration[0].status == "Enabled"
    error_message = "Versioned."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.lake.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == aws_kms_key.lake.arn
    error_message = "Encrypted with the lake's key."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.lake.restrict_public_buckets && aws_s3_bucket_public_access_block.lake.block_public_policy
    error_message = "Never public."
  }
}

run "databases_are_the_namespaces_of_the_service" {
  command = plan

  assert {
    condition     = output.databases == tolist(["detections", "logs", "monitor"])
    error_message = "PyIceberg's namespaces."
  }
}
