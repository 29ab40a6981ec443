variable "name" {
  description = "Prefix of every name this module makes: <name>-state. Must be unique in the account."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "vpc_id" {
  description = "The VPC of the database."
  type        = string
  default     = null

  validation {
    condition     = var.vpc_id == null ? var.existing != null : can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "vpc_id must be an id such as vpc-0123456789abcdef0; only an existing database does without."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the database, in two zones or more."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = var.existing != null || length(var.subnet_ids) >= 2 && alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "subnet_ids must be two or more ids such as subnet-0123456789abcdef0."
  }
}

variable "client_security_group_ids" {
  description = "Who may connect: a name for the rule → security group. Each also gets the rule to reach the database."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for id in values(var.client_security_group_ids) : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "client_security_group_ids must be ids such as sg-0123456789abcdef0."
  }
}

variable "existing" {
  description = "Bring your own PostgreSQL 14 or newer. Either url_secret_arn (a secret whose text is the whole URL), or host, port, database and resource_id (db-… or cluster-…) of an RDS database with IAM authentication."
  type = object({
    url_secret_arn = optional(string)
    host           = optional(string)
    port           = optional(number, 5432)
    database       = optional(string, "headwater")
    resource_id    = optional(string)
  })
  default = null

  validation {
    condition     = var.existing == null ? true : (var.existing.url_secret_arn != null) != (var.existing.host != null && var.existing.resource_id != null)
    error_message = "existing needs either url_secret_arn, or host and resource_id."
  }

  validation {
    condition     = try(var.existing.url_secret_arn, null) == null ? true : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", var.existing.url_secret_arn))
    error_message = "existing.url_secret_arn must be the ARN of a Secrets Manager secret."
  }

  validation {
    condition     = try(var.existing.resource_id, null) == null ? true : can(regex("^(db|cluster|prx)-[A-Z0-9a-z]+$", var.existing.resource_id))
    error_message = "existing.resource_id must be the resource id of RDS, such as db-ABCDEFGHIJKLMNOPQRSTUVWXYZ."
  }
}

variable "engine" {
  description = "instance: one RDS PostgreSQL, the cheapest. aurora: Aurora PostgreSQL serverless v2, which grows by itself."
  type        = string
  nullable    = false
  default     = "instance"

  validation {
    condition     = contains(["instance", "aurora"], var.engine)
    error_message = "engine must be instance or aurora."
  }
}

variable "engine_version" {
  description = "PostgreSQL version; RDS updates minor versions by itself."
  type        = string
  nullable    = false
  default     = "17"

  validation {
    condition     = can(regex("^1[4-9]([.][0-9]+)?$", var.engine_version))
    error_message = "engine_version must be 14 or newer, such as 17 or 17.4."
  }
}

variable "instance_class" {
  description = "Size of the RDS instance (engine = instance)."
  type        = string
  nullable    = false
  default     = "db.t4g.medium"

  validation {
    condition     = can(regex("^db[.][a-z0-9]+[.][a-z0-9]+$", var.instance_class))
    error_message = "instance_class must be a class such as db.t4g.medium."
  }
}

variable "serverless_capacity" {
  description = "Aurora capacity units (engine = aurora); min 0 pauses an idle database."
  type        = object({ min = optional(number, 0.5), max = optional(number, 8) })
  nullable    = false
  default     = {}

  validation {
    condition     = var.serverless_capacity.min >= 0 && var.serverless_capacity.max >= 1 && var.serverless_capacity.max <= 256 && var.serverless_capacity.min <= var.serverless_capacity.max
    error_message = "serverless_capacity must be min 0 or more and max 1 to 256, not below min."
  }
}

variable "max_storage_gib" {
  description = "The instance's storage grows up to this (engine = instance)."
  type        = number
  nullable    = false
  default     = 200

  validation {
    condition     = var.max_storage_gib >= 22 && var.max_storage_gib <= 65536
    error_message = "max_storage_gib must be 22 to 65536."
  }
}

variable "multi_az" {
  description = "Whether a second copy in another zone takes over when the first fails."
  type        = bool
  nullable    = false
  default     = true
}

variable "username" {
  description = "Login of the service inside PostgreSQL, created by `headwater state prepare`."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]{0,62}$", var.username)) && var.username != "headwater_admin"
    error_message = "username must be lower-case letters, digits or '_', and not headwater_admin."
  }
}

variable "backup_retention_days" {
  description = "Days that RDS keeps automatic backups."
  type        = number
  nullable    = false
  default     = 14

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be 1 to 35."
  }
}

variable "deletion_protection" {
  description = "Whether the database refuses to be deleted, and leaves a final snapshot. false for trials only."
  type        = bool
  nullable    = false
  default     = true
}

variable "kms_key_arn" {
  description = "Key of the database; null: one of its own."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "tags" {
  description = "Tags of everything this module makes."
  type        = map(string)
  nullable    = false
  default     = {}
}
