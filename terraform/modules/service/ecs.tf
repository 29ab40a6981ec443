locals {
  home          = "/var/lib/headwater"
  accounts_file = var.accounts_file == "" ? "s3://${var.lake_bucket_name}/config/accounts.yml" : var.accounts_file
  environment = merge(
    {
      HEADWATER_ACCOUNTS_FILE         = local.accounts_file
      HEADWATER_DEAD_LETTER_QUEUE_URL = var.dead_letter_queue_url
      HEADWATER_HOME                  = local.home
      HEADWATER_HTTP_PORT             = "8080"
      HEADWATER_LAKE_CATALOG          = "glue"
      HEADWATER_LAKE_WAREHOUSE        = var.lake_warehouse
      HEADWATER_LOG_FORMAT            = "json"
      HEADWATER_QUEUE_URL             = var.queue_url
      HEADWATER_REGION                = local.region
      HEADWATER_STOP_TIMEOUT_S        = "110" # below stopTimeout
      HEADWATER_VISIBILITY_TIMEOUT_S  = tostring(var.visibility_timeout_s)
    },
    contains(local.own_roles, "deliverer") ? { HEADWATER_DELIVER = "off" } : {}, # of the workers
    var.alerts_topic ? { HEADWATER_ALERTS_TOPIC_ARN = aws_sns_topic.alerts[0].arn } : {},
    var.state_url == null ? {} : { HEADWATER_STATE_URL = var.state_url, HEADWATER_STATE_IAM_AUTH = "true" },
    var.environment,
  )
}

locals {
  # A process for each vCPU of the task's own: Fargate need not show a container how many it has.
  processes = { for name, task in var.tasks : name => { HEADWATER_PROCESSES = tostring(max(1, floor(task.cpu / 1024))) } }

  # Of the tasks that run the worker or the deliverer; ECS knows nothing of the image's own HEALTHCHECK. Restarts a task whose loop stands still.
  probed = [for name, task in var.tasks : name if contains(["run", "deliver"], try(task.command[0], ""))]
  health_check = {
    command     = ["CMD", "python", "-c", "import os, urllib.request as url; url.urlopen('http://127.0.0.1:' + os.environ['HEADWATER_HTTP_PORT'] + '/healthz', timeout=8)"]
    interval    = 60
    timeout     = 10
    retries     = 3
    startPeriod = 120
  }
}

resource "aws_ecs_cluster" "this" {
  count = local.has_task ? 1 : 0

  name = var.name
  tags = var.tags

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each = local.tasks

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  task_role_arn            = contains(local.own_roles, each.key) ? aws_iam_role.task[each.key].arn : aws_iam_role.worker.arn
  execution_role_arn       = aws_iam_role.execution[0].arn
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  volume { # the only writable places: Fargate's own disk, gone with the task
    name = "home"
  }

  volume {
    name = "tmp"
  }

  container_definitions = jsonencode([merge({ for key in ["healthCheck"] : key => local.health_check if contains(local.probed, each.key) }, {
    name                   = each.key
    image                  = local.image
    command                = each.value.command
    essential              = true
    user                   = "10001:10001"
    readonlyRootFilesystem = true
    stopTimeout            = 120 # Fargate's most: the worker finishes its batch after SIGTERM
    environment            = [for name, value in merge(local.processes[each.key], local.environment) : { name = name, value = value }]
    secrets                = var.state_url_secret_arn == null ? [] : [{ name = "HEADWATER_STATE_URL", valueFrom = var.state_url_secret_arn }]
    mountPoints = [
      { sourceVolume = "home", containerPath = local.home, readOnly = false },
      { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
    ]
    linuxParameters = { initProcessEnabled = true }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.worker.name
        "awslogs-region"        = local.region
        "awslogs-stream-prefix" = each.key
      }
    }
  })])
}

resource "aws_ecs_service" "this" {
  for_each = local.services

  name            = "${var.name}-${each.key}"
  cluster         = aws_ecs_cluster.this[0].id
  task_definition = aws_ecs_task_definition.this[each.key].arn
  desired_count   = each.value.min_count
  launch_type     = "FARGATE"
  propagate_tags  = "SERVICE"
  tags            = var.tags

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = var.security_group_ids
    assign_public_ip = var.assign_public_ip
  }

  lifecycle {
    ignore_changes = [desired_count] # autoscaling moves it

    precondition {
      condition     = (var.state_url_secret_arn != null) != (var.state_url != null)
      error_message = "The service needs one of state_url (login by IAM) and state_url_secret_arn: on a Fargate task's own disk the ledger of processed objects would be lost at every restart."
    }

    precondition {
      condition     = length(var.subnet_ids) > 0 && length(var.security_group_ids) > 0
      error_message = "The service needs subnet_ids and security_group_ids."
    }
  }

  depends_on = [aws_iam_role_policy.worker, aws_iam_role_policy.task, aws_iam_role_policy.execution]
}
