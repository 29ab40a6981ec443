variable "name" {
  description = "Prefix of every name this module makes: <name>-worker, <name>-execution, /<name>/worker, the cluster <name>. Must be unique in the account."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "queue_arn" {
  description = "Intake queue: output queue_arn of intake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.queue_arn))
    error_message = "queue_arn must be the ARN of a standard SQS queue."
  }
}

variable "queue_url" {
  description = "URL of that queue: output queue_url of intake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https?://", var.queue_url))
    error_message = "queue_url must be the URL of a queue."
  }
}

variable "dead_letter_queue_arn" {
  description = "Dead-letter queue: output dead_letter_queue_arn of intake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.dead_letter_queue_arn))
    error_message = "dead_letter_queue_arn must be the ARN of a standard SQS queue."
  }
}

variable "dead_letter_queue_url" {
  description = "URL of that queue: output dead_letter_queue_url of intake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https?://", var.dead_letter_queue_url))
    error_message = "dead_letter_queue_url must be the URL of a queue."
  }
}

variable "queue_kms_key_arn" {
  description = "Key of the queues: output kms_key_arn of intake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.queue_kms_key_arn))
    error_message = "queue_kms_key_arn must be the ARN of a KMS key."
  }
}

variable "lake_bucket_name" {
  description = "Bucket of the lake: output bucket_name of lake. accounts.yml lies in it, unless accounts_file says otherwise."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.lake_bucket_name))
    error_message = "lake_bucket_name must be the name of an S3 bucket."
  }
}

variable "lake_warehouse" {
  description = "Where tables lie: output warehouse of lake."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.lake_warehouse, "s3://")
    error_message = "lake_warehouse must be an s3:// URL."
  }
}

variable "lake_writer_policy" {
  description = "Permissions to write the lake, as JSON: output writer_policy of lake."
  type        = string
  nullable    = false

  validation {
    condition     = can(jsondecode(var.lake_writer_policy).Statement)
    error_message = "lake_writer_policy must be an IAM policy as JSON."
  }
}

variable "lake_reader_policy" {
  description = "Permissions to query the lake, as JSON: output reader_policy of lake. Needed with a console among the tasks."
  type        = string
  default     = null

  validation {
    condition     = var.lake_reader_policy == null ? !contains(keys(var.tasks), "console") : can(jsondecode(var.lake_reader_policy).Statement)
    error_message = "lake_reader_policy must be an IAM policy as JSON; a task named console needs it."
  }
}

variable "state_url" {
  description = "State database without a password, for login by IAM: output url of state."
  type        = string
  default     = null

  validation {
    condition     = var.state_url == null ? true : can(regex("^postgresql://[^:@/]+@[^/]+/.+", var.state_url))
    error_message = "state_url must be postgresql://user@host:port/database without a password; a URL with one belongs into a secret (state_url_secret_arn)."
  }
}

variable "state_connect_policy" {
  description = "Permission to log in to the state database by IAM, as JSON: output connect_policy of state."
  type        = string
  default     = null

  validation {
    condition     = var.state_connect_policy == null ? true : can(jsondecode(var.state_connect_policy).Statement)
    error_message = "state_connect_policy must be an IAM policy as JSON."
  }
}

variable "state_url_secret_arn" {
  description = "Secrets Manager secret whose text is HEADWATER_STATE_URL (PostgreSQL). Instead of state_url."
  type        = string
  default     = null

  validation {
    condition     = var.state_url_secret_arn == null ? true : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", var.state_url_secret_arn))
    error_message = "state_url_secret_arn must be the ARN of a Secrets Manager secret."
  }
}

variable "state_url_secret_kms_key_arn" {
  description = "Key of that secret, if it is not the AWS-managed one."
  type        = string
  default     = null

  validation {
    condition     = var.state_url_secret_kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.state_url_secret_kms_key_arn))
    error_message = "state_url_secret_kms_key_arn must be the ARN of a KMS key."
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

variable "image" {
  description = "Container image. Without one, or repository.tag, no ECS resource is made: run the worker elsewhere, under the role worker_role_arn."
  type        = string
  default     = null

  validation {
    condition     = var.image == null ? true : can(regex("^[a-z0-9][a-zA-Z0-9./_:@-]+$", var.image))
    error_message = "image must be an image reference such as 999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0."
  }
}

variable "repository" {
  description = "An ECR repository of this module: create, the tag to run once it is pushed, and how many images to keep."
  type = object({
    create      = optional(bool, false)
    tag         = optional(string)
    images_kept = optional(number, 20)
  })
  nullable = false
  default  = {}

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

variable "create_service" {
  description = "Whether to run the task definition as an ECS service; false leaves that to another scheduler."
  type        = bool
  nullable    = false
  default     = true
}

variable "subnet_ids" {
  description = "Subnets of the tasks, with a way out to AWS (NAT or VPC endpoints)."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "subnet_ids must be ids such as subnet-0123456789abcdef0."
  }
}

variable "security_group_ids" {
  description = "Security groups of the tasks; they need no ingress."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.security_group_ids : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "security_group_ids must be ids such as sg-0123456789abcdef0."
  }
}

variable "assign_public_ip" {
  description = "Whether tasks get a public address: needed in public subnets without a NAT."
  type        = bool
  nullable    = false
  default     = false
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

variable "visibility_timeout_s" {
  description = "How long a received notification stays hidden from other workers, in seconds: the one of intake."
  type        = number
  nullable    = false
  default     = 300

  validation {
    condition     = var.visibility_timeout_s >= 30 && var.visibility_timeout_s <= 43200
    error_message = "visibility_timeout_s must be 30 to 43200 (SQS allows 12 hours)."
  }
}

variable "alerts_topic" {
  description = "Whether to make an SNS topic that receives every alert."
  type        = bool
  nullable    = false
  default     = true
}

variable "force_destroy" {
  description = "Whether destroy deletes a repository that still holds images. For trials only."
  type        = bool
  nullable    = false
  default     = false
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

variable "tags" {
  description = "Tags of everything this module makes."
  type        = map(string)
  nullable    = false
  default     = {}
}
