locals {
  on_ecs = var.worker_on == "ecs"
}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

module "intake" {
  source = "../intake"

  name                    = var.name
  organization_id         = var.organization_id
  customer_account_ids    = var.customer_account_ids
  topic_arns              = var.topic_arns
  eventbridge_account_ids = var.eventbridge_account_ids
  opt_in_regions          = var.opt_in_regions
  visibility_timeout_s    = var.visibility_timeout_s
  max_receive_count       = var.max_receive_count
  tags                    = var.tags
}

module "lake" {
  source = "../lake"

  name                     = var.name
  bucket_name              = var.lake.bucket_name
  noncurrent_days          = var.lake.noncurrent_days
  intelligent_tiering      = var.lake.intelligent_tiering
  query_limit_gib          = var.lake.query_limit_gib
  optimized_tables         = var.lake.optimized_tables
  permissions_boundary_arn = var.permissions_boundary_arn
  force_destroy            = var.trial
  tags                     = var.tags
}

module "network" {
  source = "../network"
  count  = local.on_ecs ? 1 : 0

  name                     = var.name
  cidr                     = var.network.cidr
  zone_count               = var.network.zone_count
  existing                 = var.network.existing
  s3_endpoint              = var.network.s3_endpoint
  interface_endpoints      = var.network.interface_endpoints
  egress_cidrs             = var.network.egress_cidrs
  customer_role_name       = var.customer_role_name
  customer_role_arns       = concat(var.customer_role_arns, var.lookup_tables.role_arns)
  flow_log_retention_days  = var.network.flow_log_retention_days
  permissions_boundary_arn = var.permissions_boundary_arn
  tags                     = var.tags
}

module "state" {
  source = "../state"
  count  = local.on_ecs ? 1 : 0

  name                      = var.name
  vpc_id                    = module.network[0].vpc_id
  subnet_ids                = module.network[0].private_subnet_ids
  client_security_group_ids = { worker = module.network[0].worker_security_group_id }
  existing                  = var.database.existing
  engine                    = var.database.engine
  engine_version            = var.database.engine_version
  instance_class            = var.database.instance_class
  serverless_capacity       = var.database.serverless_capacity
  max_storage_gib           = var.database.max_storage_gib
  multi_az                  = var.database.multi_az
  backup_retention_days     = var.database.backup_retention_days
  deletion_protection       = !var.trial
  tags                      = var.tags
}

module "service" {
  source = "../service"

  name                         = var.name
  queue_arn                    = module.intake.queue_arn
  queue_url                    = module.intake.queue_url
  dead_letter_queue_arn        = module.intake.dead_letter_queue_arn
  dead_letter_queue_url        = module.intake.dead_letter_queue_url
  queue_kms_key_arn            = module.intake.kms_key_arn
  visibility_timeout_s         = var.visibility_timeout_s
  lake_bucket_name             = module.lake.bucket_name
  lake_warehouse               = module.lake.warehouse
  lake_writer_policy           = module.lake.writer_policy
  lake_reader_policy           = module.lake.reader_policy
  state_url                    = local.on_ecs ? module.state[0].url : null
  state_connect_policy         = local.on_ecs ? module.state[0].connect_policy : null
  state_url_secret_arn         = local.on_ecs ? module.state[0].url_secret_arn : null
  state_url_secret_kms_key_arn = var.database.url_secret_kms_key_arn
  customer_role_name           = var.customer_role_name
  customer_role_arns           = var.customer_role_arns
  lookup_tables                = var.lookup_tables
  alert_destinations           = var.alert_destinations
  image                        = local.on_ecs ? var.image : null
  repository                   = local.on_ecs ? var.repository : {}
  tasks                        = var.tasks
  backlog_per_task             = var.backlog_per_task
  oldest_age_s                 = var.oldest_age_s
  subnet_ids                   = local.on_ecs ? module.network[0].private_subnet_ids : []
  security_group_ids           = local.on_ecs ? concat([module.network[0].worker_security_group_id], var.network.security_group_ids) : []
  cpu_architecture             = var.cpu_architecture
  accounts_file                = var.accounts_file
  environment                  = var.environment
  worker_assumed_by_arns       = var.worker_assumed_by_arns
  alerts_topic                 = var.alerts_topic
  log_retention_days           = var.log_retention_days
  permissions_boundary_arn     = var.permissions_boundary_arn
  force_destroy                = var.trial
  tags                         = var.tags
}

module "observability" {
  source = "../observability"
  count  = var.alarms.enabled ? 1 : 0

  name                   = var.name
  queue_name             = module.intake.queue_name
  dead_letter_queue_name = module.intake.dead_letter_queue_name
  log_group_name         = module.service.log_group_name
  cluster_name           = module.service.cluster_name
  service_names          = module.service.service_names
  max_age_s              = var.alarms.max_age_s
  max_reject_percent     = var.alarms.max_reject_percent
  silence_minutes        = var.alarms.silence_minutes
  create_alarm_topic     = length(var.alarms.topic_arns) == 0
  alarm_topic_arns       = var.alarms.topic_arns
  tags                   = var.tags
}
