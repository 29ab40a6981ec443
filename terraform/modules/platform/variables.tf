variable "name" {
  description = "Prefix of every name this module makes: <name>-intake, <name>-worker, <name>-lake-<account> …. Must be unique in the account."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "organization_id" {
  description = "AWS Organizations id; its accounts may announce objects, and no policy grows with their number."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null ? true : can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must look like o-exampleorgid: 'o-' and 10 to 32 lower-case letters or digits."
  }
}

variable "customer_account_ids" {
  description = "Accounts that may announce objects: all customers, or, with organization_id, those outside of the organisation. About 500 fit into the queue's policy (the plan refuses more)."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.customer_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "Every customer account id must be 12 digits, in quotes so that leading zeros stay."
  }
}

variable "topic_arns" {
  description = "Single topics that may announce objects, of accounts that are neither in organization_id nor in customer_account_ids."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", arn))])
    error_message = "topic_arns must be ARNs of standard SNS topics, without wildcards."
  }
}

variable "eventbridge_account_ids" {
  description = "Accounts that use notifications = \"eventbridge\" and are not in the organisation; they may put events on the central bus."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.eventbridge_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "Every EventBridge account id must be 12 digits, in quotes so that leading zeros stay."
  }
}

variable "opt_in_regions" {
  description = "Opt-in regions (me-south-1, ap-east-1 …) in which customers have topics: SNS acts from there under a principal of its own."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for region in var.opt_in_regions : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", region))])
    error_message = "opt_in_regions must be region names such as me-south-1."
  }
}

variable "customer_role_name" {
  description = "Name (with its path, without the leading slash) of the reader role in every customer account; the worker may assume arn:<partition>:iam::*:role/<this>."
  type        = string
  nullable    = false
  default     = "headwater-reader"

  validation {
    condition     = can(regex("^[\\w+=,.@-]+(/[\\w+=,.@-]+)*$", var.customer_role_name))
    error_message = "customer_role_name must be a role name such as headwater-reader or corp/headwater-reader, without wildcards."
  }
}

variable "customer_role_arns" {
  description = "Reader roles with other names: customers who brought their own."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.customer_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "customer_role_arns must be ARNs of IAM roles, without wildcards."
  }
}

variable "lookup_tables" {
  description = "What lookup tables with Refresh are read from (docs/enrichment.md): objects in S3 (arn:aws:s3:::reference-data/zones.csv, or .../lookups/*), the KMS keys of these, and the roles of RoleARN. Nothing but what is named."
  type = object({
    object_arns  = optional(list(string), [])
    kms_key_arns = optional(list(string), [])
    role_arns    = optional(list(string), [])
  })
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for arn in var.lookup_tables.object_arns : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^*?]+[*]?|[*])$", arn))])
    error_message = "lookup_tables.object_arns must be ARNs of objects, such as arn:aws:s3:::reference-data/zones.csv; '*' may stand at the end."
  }

  validation {
    condition     = alltrue([for arn in var.lookup_tables.kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", arn))])
    error_message = "lookup_tables.kms_key_arns must be ARNs of KMS keys."
  }

  validation {
    condition     = alltrue([for arn in var.lookup_tables.role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "lookup_tables.role_arns must be ARNs of IAM roles, without wildcards."
  }
}

variable "alert_destinations" {
  description = "Where alerts may be sent besides the topic of alerts_topic: topics, queues, event buses, objects in S3 (arn:aws:s3:::alerts/headwater/*), Security Hub of this account and region; the secrets (Secrets Manager) and parameters (SSM) that hold tokens of webhooks; the KMS keys of all these. Nothing but what is named."
  type = object({
    topic_arns     = optional(list(string), [])
    queue_arns     = optional(list(string), [])
    event_bus_arns = optional(list(string), [])
    object_arns    = optional(list(string), [])
    security_hub   = optional(bool, false)
    secret_arns    = optional(list(string), [])
    parameter_arns = optional(list(string), [])
    kms_key_arns   = optional(list(string), [])
  })
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for arn in var.alert_destinations.topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}([.]fifo)?$", arn))])
    error_message = "alert_destinations.topic_arns must be ARNs of SNS topics, without wildcards."
  }

  validation {
    condition     = alltrue([for arn in var.alert_destinations.queue_arns : can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}([.]fifo)?$", arn))])
    error_message = "alert_destinations.queue_arns must be ARNs of SQS queues, without wildcards."
  }

  validation {
    condition     = alltrue([for arn in var.alert_destinations.event_bus_arns : can(regex("^arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._/-]{1,256}$", arn))])
    error_message = "alert_destinations.event_bus_arns must be ARNs of event buses, without wildcards."
  }

  validation {
    condition     = alltrue([for arn in var.alert_destinations.object_arns : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^*?]+[*]?|[*])$", arn))])
    error_message = "alert_destinations.object_arns must be ARNs of objects, such as arn:aws:s3:::alerts/headwater/*."
  }

  validation {
    condition     = alltrue([for arn in var.alert_destinations.secret_arns : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+([?]{6})?$", arn))])
    error_message = "alert_destinations.secret_arns must be ARNs of Secrets Manager secrets; the last six letters may be '??????'."
  }

  validation {
    condition     = alltrue([for arn in var.alert_destinations.parameter_arns : can(regex("^arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]+$", arn))])
    error_message = "alert_destinations.parameter_arns must be ARNs of SSM parameters, without wildcards."
  }

  validation {
    condition     = alltrue([for arn in var.alert_destinations.kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", arn))])
    error_message = "alert_destinations.kms_key_arns must be ARNs of KMS keys."
  }
}

variable "worker_on" {
  description = "ecs: network, database and tasks on Fargate. elsewhere: neither; run `headwater run` on a scheduler of yours, under the role worker_role_arn."
  type        = string
  nullable    = false
  default     = "ecs"

  validation {
    condition     = contains(["ecs", "elsewhere"], var.worker_on)
    error_message = "worker_on must be ecs or elsewhere."
  }
}

variable "image" {
  description = "Container image; or push one to a repository of this module (repository). Without either no task is made yet."
  type        = string
  default     = null

  validation {
    condition     = var.image == null ? true : can(regex("^[a-z0-9][a-zA-Z0-9./_:@-]+$", var.image))
    error_message = "image must be an image reference such as 999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0."
  }
}

variable "repository" {
  description = "ECR repository <name>: whether to create it, the tag to run once it is pushed, and how many images to keep."
  type = object({
    create      = optional(bool, true)
    tag         = optional(string)
    images_kept = optional(number, 20)
  })
  nullable = false
  default  = { create = true }

  validation {
    condition     = var.repository.tag == null ? true : var.repository.create && can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.repository.tag))
    error_message = "repository.tag must be an image tag, and needs repository.create = true."
  }

  validation {
    condition     = var.repository.images_kept >= 1
    error_message = "repository.images_kept must be 1 or more."
  }
}

variable "tasks" {
  description = "What runs, as an ECS service each: the command after `headwater`, CPU units (1024 = one vCPU), memory in MiB, and between how many tasks autoscaling moves. worker must be among them; one named console or deliverer has a role of its own."
  type = map(object({
    command   = list(string)
    cpu       = optional(number, 1024)
    memory    = optional(number, 4096)
    min_count = optional(number, 1)
    max_count = optional(number, 4)
  }))
  nullable = false
  default  = { worker = { command = ["run"] } }

  validation {
    condition     = contains(keys(var.tasks), "worker") && alltrue([for name in keys(var.tasks) : can(regex("^[a-z][a-z0-9-]{0,30}$", name))])
    error_message = "tasks must have worker; names are lower-case letters, digits and '-'."
  }

  validation {
    condition     = alltrue([for task in values(var.tasks) : contains([256, 512, 1024, 2048, 4096, 8192, 16384], task.cpu)])
    error_message = "cpu must be a size of Fargate: 256, 512, 1024, 2048, 4096, 8192 or 16384."
  }

  validation {
    condition     = alltrue([for task in values(var.tasks) : task.memory >= 1024 && task.memory <= 122880 && task.memory % 1024 == 0])
    error_message = "memory must be whole GiB, 1024 to 122880 MiB."
  }

  validation {
    condition     = alltrue([for task in values(var.tasks) : task.min_count >= 0 && task.max_count >= task.min_count && floor(task.min_count) == task.min_count && floor(task.max_count) == task.max_count])
    error_message = "min_count and max_count must be whole numbers, 0 or more, max_count not below min_count."
  }
}

variable "backlog_per_task" {
  description = "Notifications that may wait for each task before autoscaling adds one."
  type        = number
  nullable    = false
  default     = 500

  validation {
    condition     = var.backlog_per_task >= 1
    error_message = "backlog_per_task must be 1 or more."
  }
}

variable "oldest_age_s" {
  description = "Seconds that the oldest notification may have waited before autoscaling adds tasks."
  type        = number
  nullable    = false
  default     = 120

  validation {
    condition     = var.oldest_age_s >= 30
    error_message = "oldest_age_s must be 30 or more."
  }
}

variable "cpu_architecture" {
  description = "Architecture of the image: X86_64 or ARM64."
  type        = string
  nullable    = false
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture must be X86_64 or ARM64."
  }
}

variable "accounts_file" {
  description = "Where the worker reads accounts.yml: an s3:// URL, or an absolute path inside the image. Empty: config/accounts.yml in the lake bucket, where `headwater config publish` puts it."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = var.accounts_file == "" || can(regex("^(/|s3://[a-z0-9.-]+/).+", var.accounts_file))
    error_message = "accounts_file must be an s3:// URL or an absolute path inside the container."
  }
}

variable "environment" {
  description = "More HEADWATER_* settings of the worker (docs/configuration.md); they win over those this module gives."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^HEADWATER_[A-Z0-9_]+$", name))])
    error_message = "environment takes HEADWATER_* settings only."
  }
}

variable "worker_assumed_by_arns" {
  description = "Principals of this account, besides ECS, that may assume the worker role: a scheduler's node role, a developer's role."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.worker_assumed_by_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\\w+=,.@/-]+$", arn))])
    error_message = "worker_assumed_by_arns must be ARNs of IAM roles or users."
  }
}

variable "network" {
  description = "The VPC of tasks and database, or yours (existing); see the module network. security_group_ids: more groups for the tasks."
  type = object({
    cidr       = optional(string, "10.90.0.0/20")
    zone_count = optional(number, 2)
    existing = optional(object({
      vpc_id          = string
      cidr            = string
      subnet_ids      = list(string)
      route_table_ids = optional(list(string), [])
    }))
    s3_endpoint             = optional(bool, true)
    interface_endpoints     = optional(set(string), ["ecr.api", "ecr.dkr", "glue", "kms", "logs", "monitoring", "secretsmanager", "sns", "sqs", "sts"])
    egress_cidrs            = optional(list(string), [])
    flow_log_retention_days = optional(number, 90)
    security_group_ids      = optional(list(string), [])
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.network.zone_count >= 2 && var.network.zone_count <= 6 && can(cidrnetmask(var.network.cidr))
    error_message = "network needs 2 to 6 zones and an IPv4 cidr such as 10.90.0.0/20."
  }
}

variable "database" {
  description = "The state database, or yours (existing); see the module state."
  type = object({
    existing = optional(object({
      url_secret_arn = optional(string)
      host           = optional(string)
      port           = optional(number, 5432)
      database       = optional(string, "headwater")
      resource_id    = optional(string)
    }))
    url_secret_kms_key_arn = optional(string)
    engine                 = optional(string, "instance")
    engine_version         = optional(string, "17")
    instance_class         = optional(string, "db.t4g.medium")
    serverless_capacity    = optional(object({ min = optional(number, 0.5), max = optional(number, 8) }), {})
    max_storage_gib        = optional(number, 200)
    multi_az               = optional(bool, true)
    backup_retention_days  = optional(number, 14)
  })
  nullable = false
  default  = {}

  validation {
    condition     = contains(["instance", "aurora"], var.database.engine) && var.database.backup_retention_days >= 1
    error_message = "database.engine must be instance or aurora, and backups be kept for a day at least."
  }
}

variable "lake" {
  description = "The lake; see the module lake. bucket_name: default <name>-lake-<account id>."
  type = object({
    bucket_name         = optional(string)
    noncurrent_days     = optional(number, 30)
    intelligent_tiering = optional(bool, true)
    query_limit_gib     = optional(number, 1024)
    optimized_tables    = optional(map(set(string)), {})
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.lake.noncurrent_days >= 1 && var.lake.query_limit_gib >= 1
    error_message = "lake.noncurrent_days and lake.query_limit_gib must be 1 or more."
  }
}

variable "alarms" {
  description = "Alarms and dashboard; see the module observability. topic_arns: where alarms go; empty: a topic is made."
  type = object({
    enabled            = optional(bool, true)
    max_age_s          = optional(number, 900)
    max_reject_percent = optional(number, 5)
    silence_minutes    = optional(number, 60)
    topic_arns         = optional(list(string), [])
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.alarms.max_age_s >= 60 && var.alarms.silence_minutes >= 0
    error_message = "alarms.max_age_s must be 60 or more, alarms.silence_minutes 0 or more."
  }
}

variable "visibility_timeout_s" {
  description = "How long a received notification stays hidden from other workers, in seconds."
  type        = number
  nullable    = false
  default     = 300

  validation {
    condition     = var.visibility_timeout_s >= 30 && var.visibility_timeout_s <= 43200
    error_message = "visibility_timeout_s must be 30 to 43200 (SQS allows 12 hours)."
  }
}

variable "max_receive_count" {
  description = "After this many receives SQS itself moves a notification to the dead-letter queue; the worker does so earlier for known faults."
  type        = number
  nullable    = false
  default     = 20

  validation {
    condition     = var.max_receive_count >= 5 && var.max_receive_count <= 1000
    error_message = "max_receive_count must be 5 to 1000."
  }
}

variable "alerts_topic" {
  description = "Whether to make an SNS topic that receives every alert."
  type        = bool
  nullable    = false
  default     = true
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps the worker's log."
  type        = number
  nullable    = false
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods of CloudWatch Logs: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 …"
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary put on every role this module makes."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM managed policy."
  }
}

variable "trial" {
  description = "Whether everything can be destroyed, data and all: no deletion protection, no final snapshot, buckets and repositories emptied. Never for production."
  type        = bool
  nullable    = false
  default     = false
}

variable "tags" {
  description = "Tags of everything this module makes."
  type        = map(string)
  nullable    = false
  default     = {}
}
