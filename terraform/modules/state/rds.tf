# The service logs in by IAM and has no password. The administrator's is made, kept and rotated by RDS, for the one
# command that creates the service's login (`headwater state prepare`).
resource "aws_db_subnet_group" "this" {
  count = local.makes_database ? 1 : 0

  name        = "${var.name}-state"
  description = "Headwater state"
  subnet_ids  = var.subnet_ids
  tags        = var.tags
}

resource "aws_security_group" "this" {
  count = local.makes_database ? 1 : 0

  name        = "${var.name}-state"
  description = "Headwater state: PostgreSQL from its tasks, no way out"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-state" })
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = local.makes_database ? var.client_security_group_ids : {}

  security_group_id            = aws_security_group.this[0].id
  description                  = "PostgreSQL from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = each.value
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "clients" {
  for_each = local.makes_database ? var.client_security_group_ids : {}

  security_group_id            = each.value
  description                  = "PostgreSQL of the Headwater state"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = aws_security_group.this[0].id
  tags                         = var.tags
}

resource "aws_db_parameter_group" "this" {
  count = local.is_instance ? 1 : 0

  name        = "${var.name}-state-${local.family}"
  family      = local.family
  description = "Headwater state: TLS only"
  tags        = var.tags

  dynamic "parameter" {
    for_each = local.settings

    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  lifecycle {
    create_before_destroy = true # a new major version needs a new family while the old is in use
  }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_118:billed monitoring of the host; CloudWatch has the metrics of the database
  #checkov:skip=CKV_AWS_133:backup_retention_days, 14 by default and 1 at least
  #checkov:skip=CKV_AWS_157:multi_az, true by default
  #checkov:skip=CKV_AWS_293:deletion_protection, true by default
  #checkov:skip=CKV_AWS_353:billed beyond a week; log_min_duration_statement tells of slow statements
  count = local.is_instance ? 1 : 0

  identifier     = "${var.name}-state"
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class
  db_name        = local.database
  username       = local.admin
  port           = local.port
  tags           = var.tags

  manage_master_user_password         = true
  master_user_secret_kms_key_id       = local.key_arn
  iam_database_authentication_enabled = true

  allocated_storage     = 20
  max_allocated_storage = var.max_storage_gib
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = local.key_arn

  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this[0].name
  vpc_security_group_ids = [aws_security_group.this[0].id]
  parameter_group_name   = aws_db_parameter_group.this[0].name
  publicly_accessible    = false

  backup_retention_period    = var.backup_retention_days
  copy_tags_to_snapshot      = true
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = !var.deletion_protection
  final_snapshot_identifier  = "${var.name}-state-final"
  auto_minor_version_upgrade = true

  enabled_cloudwatch_logs_exports = ["postgresql"]
}

resource "aws_rds_cluster_parameter_group" "this" {
  count = local.is_aurora ? 1 : 0

  name        = "${var.name}-state-aurora-${local.family}"
  family      = "aurora-postgresql${split(".", var.engine_version)[0]}"
  description = "Headwater state: TLS only"
  tags        = var.tags

  dynamic "parameter" {
    for_each = local.settings

    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV2_AWS_8:automatic backups of RDS; AWS Backup is the user's choice
  #checkov:skip=CKV2_AWS_27:every statement would put customers' data into the log; slow ones are logged
  #checkov:skip=CKV_AWS_133:backup_retention_days, 14 by default and 1 at least
  #checkov:skip=CKV_AWS_139:deletion_protection, true by default
  count = local.is_aurora ? 1 : 0

  cluster_identifier = "${var.name}-state"
  engine             = "aurora-postgresql"
  engine_mode        = "provisioned" # serverless v2 is a kind of instance
  engine_version     = var.engine_version
  database_name      = local.database
  master_username    = local.admin
  port               = local.port
  tags               = var.tags

  manage_master_user_password         = true
  master_user_secret_kms_key_id       = local.key_arn
  iam_database_authentication_enabled = true

  storage_encrypted = true
  kms_key_id        = local.key_arn

  db_subnet_group_name            = aws_db_subnet_group.this[0].name
  vpc_security_group_ids          = [aws_security_group.this[0].id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this[0].name

  backup_retention_period         = var.backup_retention_days
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.deletion_protection
  final_snapshot_identifier       = "${var.name}-state-final"
  enabled_cloudwatch_logs_exports = ["postgresql"]

  serverlessv2_scaling_configuration {
    min_capacity = var.serverless_capacity.min
    max_capacity = var.serverless_capacity.max
  }
}

resource "aws_rds_cluster_instance" "this" {
  #checkov:skip=CKV_AWS_118:billed monitoring of the host; CloudWatch has the metrics of the database
  #checkov:skip=CKV_AWS_353:billed beyond a week; log_min_duration_statement tells of slow statements
  count = local.is_aurora ? (var.multi_az ? 2 : 1) : 0

  identifier                 = "${var.name}-state-${count.index}"
  cluster_identifier         = aws_rds_cluster.this[0].id
  engine                     = aws_rds_cluster.this[0].engine
  engine_version             = aws_rds_cluster.this[0].engine_version
  instance_class             = "db.serverless"
  publicly_accessible        = false
  auto_minor_version_upgrade = true
  tags                       = var.tags
}
