mock_provider "aws" {
  source = "../../mocks/central"
}

variables {
  queue_arn             = "arn:aws:sqs:us-east-1:999988887777:headwater-intake"
  queue_url             = "https://sqs.us-east-1.amazonaws.com/999988887777/headwater-intake"
  dead_letter_queue_arn = "arn:aws:sqs:us-east-1:999988887777:headwater-dead-letters"
  dead_letter_queue_url = "https://sqs.us-east-1.amazonaws.com/999988887777/headwater-dead-letters"
  queue_kms_key_arn     = "arn:aws:kms:us-east-1:999988887777:key/00000000-0000-4000-8000-000000000000"
  lake_bucket_name      = "headwater-lake-999988887777"
  lake_warehouse        = "s3://headwater-lake-999988887777/lake"
  lake_writer_policy    = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  state_url             = "postgresql://headwater@state.example.com:5432/headwater?sslmode=require"
  image                 = "999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0"
  subnet_ids            = ["subnet-0123456789abcdef0"]
  security_group_ids    = ["sg-0123456789abcdef0"]
}

run "container_is_unprivileged" {
  command = apply

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].readonlyRootFilesystem && jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].user == "10001:10001"
    error_message = "Read-only root file system, no root user."
  }

  assert {
    condition     = aws_ecs_service.this["worker"].deployment_circuit_breaker[0].rollback
    error_message = "A broken release rolls back."
  }

  assert {
    condition     = aws_ecs_task_definition.this["worker"].task_role_arn == aws_iam_role.worker.arn && aws_iam_role.execution[0].name != aws_iam_role.worker.name
    error_message = "What starts the task and what the task may do are apart."
  }
}

run "worker_is_restarted_when_its_loop_stands_still" {
  command = apply

  variables {
    tasks = { worker = { command = ["run"] }, evaluator = { command = ["correlate"] } }
  }

  assert {
    condition     = strcontains(join(" ", jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].healthCheck.command), "/healthz")
    error_message = "ECS asks the worker's HTTP endpoint."
  }

  assert {
    condition     = { for v in jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].environment : v.name => v.value }["HEADWATER_PROCESSES"] == "1"
    error_message = "One worker process for each vCPU."
  }

  assert {
    condition     = { for v in jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].environment : v.name => v.value }["HEADWATER_HTTP_PORT"] == "8080"
    error_message = "The endpoint is open, whatever the image says."
  }

  assert {
    condition     = !can(jsondecode(aws_ecs_task_definition.this["evaluator"].container_definitions)[0].healthCheck)
    error_message = "Other commands have no such endpoint."
  }
}

run "state_by_iam_has_no_secret" {
  command = apply

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].secrets == []
    error_message = "Nothing to keep."
  }

  assert {
    condition     = { for v in jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].environment : v.name => v.value }["HEADWATER_STATE_IAM_AUTH"] == "true"
    error_message = "The service logs in by IAM."
  }
}

run "state_by_secret_is_not_in_the_environment" {
  command = apply

  variables {
    state_url            = null
    state_url_secret_arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:headwater-state-AbCdEf"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].secrets == [{ name = "HEADWATER_STATE_URL", valueFrom = var.state_url_secret_arn }]
    error_message = "The state's URL comes from the secret."
  }

  assert {
    condition     = !contains([for v in jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].environment : v.name], "HEADWATER_STATE_URL")
    error_message = "And from nowhere else."
  }
}

run "workers_scale_on_backlog_and_age" {
  command = apply

  variables {
    tasks = { worker = { command = ["run"], min_count = 2, max_count = 10 } }
  }

  assert {
    condition     = aws_appautoscaling_target.this["worker"].min_capacity == 2 && aws_appautoscaling_target.this["worker"].max_capacity == 10
    error_message = "Between the limits."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.age["worker"].dimensions["QueueName"] == "headwater-intake" && one(aws_cloudwatch_metric_alarm.age["worker"].alarm_actions) == aws_appautoscaling_policy.age["worker"].arn
    error_message = "The oldest message counts too."
  }
}

run "a_fixed_number_holds" {
  command = plan

  variables {
    tasks = { worker = { command = ["run"], min_count = 3, max_count = 3 } }
  }

  assert {
    condition     = aws_appautoscaling_target.this["worker"].min_capacity == 3 && aws_appautoscaling_target.this["worker"].max_capacity == 3
    error_message = "Three, always."
  }
}

run "without_an_image_there_is_no_ecs" {
  command = plan

  variables {
    image = null
  }

  assert {
    condition     = length(aws_ecs_cluster.this) + length(aws_ecs_task_definition.this) + length(aws_ecs_service.this) + length(aws_iam_role.execution) == 0
    error_message = "Another scheduler runs the worker."
  }
}

run "the_service_can_be_left_out" {
  command = plan

  variables {
    create_service = false
    state_url      = null
    subnet_ids     = []
  }

  assert {
    condition     = length(aws_ecs_task_definition.this) == 1 && length(aws_ecs_service.this) == 0
    error_message = "Task definition only."
  }
}

run "an_image_of_the_own_repository" {
  command = apply

  variables {
    image      = null
    repository = { create = true, tag = "0.1.0" }
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this["worker"].container_definitions)[0].image == "999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0"
    error_message = "The tag of the repository."
  }

  assert {
    condition     = aws_ecr_repository.this[0].image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this[0].image_scanning_configuration[0].scan_on_push
    error_message = "A tag is one image, and it is scanned."
  }
}

run "a_repository_before_its_first_image" {
  command = plan

  variables {
    image      = null
    repository = { create = true }
  }

  assert {
    condition     = length(aws_ecr_repository.this) == 1 && length(aws_ecs_service.this) == 0
    error_message = "Push first, then name the tag."
  }
}

run "console_and_deliverer_have_roles_of_their_own" {
  command = apply

  variables {
    tasks              = { worker = { command = ["run"] }, console = { command = ["console"] }, deliverer = { command = ["deliver"] } }
    lake_reader_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  }

  assert {
    condition     = aws_iam_role.task["console"].name == "headwater-console" && aws_iam_role.task["deliverer"].name == "headwater-deliverer"
    error_message = "One role a task."
  }

  assert {
    condition     = aws_ecs_task_definition.this["console"].task_role_arn == aws_iam_role.task["console"].arn && aws_ecs_task_definition.this["worker"].task_role_arn == aws_iam_role.worker.arn
    error_message = "Each task runs under its own."
  }
}

run "other_tasks_share_the_workers_role" {
  command = apply

  variables {
    tasks = { worker = { command = ["run"] }, second = { command = ["run"] } }
  }

  assert {
    condition     = length(aws_iam_role.task) == 0 && aws_ecs_task_definition.this["second"].task_role_arn == aws_iam_role.worker.arn
    error_message = "They do the same work."
  }
}
