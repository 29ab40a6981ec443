variable "name" {
  description = "Prefix of every name this module makes: the VPC <name>, <name>-worker, <name>-endpoints, /<name>/flow. Must be unique in the account."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "cidr" {
  description = "IPv4 range of the VPC; a sixteenth of it per availability zone."
  type        = string
  nullable    = false
  default     = "10.90.0.0/20"

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 22, false)
    error_message = "cidr must be an IPv4 range of /16 to /22 such as 10.90.0.0/20."
  }
}

variable "zone_count" {
  description = "Availability zones to use; each interface endpoint is billed per zone."
  type        = number
  nullable    = false
  default     = 2

  validation {
    condition     = var.zone_count >= 2 && var.zone_count <= 6 && floor(var.zone_count) == var.zone_count
    error_message = "zone_count must be 2 to 6: the database needs two."
  }
}

variable "existing" {
  description = "Bring your own network: no VPC, subnet or route is made. The route tables get the S3 gateway."
  type = object({
    vpc_id          = string
    cidr            = string
    subnet_ids      = list(string)
    route_table_ids = optional(list(string), [])
  })
  default = null

  validation {
    condition     = var.existing == null ? true : can(regex("^vpc-[0-9a-f]+$", var.existing.vpc_id)) && can(cidrnetmask(var.existing.cidr))
    error_message = "existing needs vpc_id such as vpc-0123456789abcdef0 and its IPv4 cidr."
  }

  validation {
    condition     = var.existing == null ? true : length(var.existing.subnet_ids) >= 2 && alltrue([for id in var.existing.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "existing.subnet_ids must be two or more ids such as subnet-0123456789abcdef0, in different zones."
  }

  validation {
    condition     = var.existing == null ? true : alltrue([for id in var.existing.route_table_ids : can(regex("^rtb-[0-9a-f]+$", id))])
    error_message = "existing.route_table_ids must be ids such as rtb-0123456789abcdef0."
  }
}

variable "s3_endpoint" {
  description = "Whether to make the S3 gateway endpoint (free). false where the VPC has one already."
  type        = bool
  nullable    = false
  default     = true

  validation {
    condition     = !var.s3_endpoint || var.existing == null || try(length(var.existing.route_table_ids) > 0, false)
    error_message = "The S3 gateway needs existing.route_table_ids; or set s3_endpoint = false where the VPC has a way to S3."
  }
}

variable "interface_endpoints" {
  description = "AWS services to reach through endpoints in the subnets; empty where the network has them, or a NAT. Without a NAT the service needs all of the default; alert destinations may need events, securityhub or ssm."
  type        = set(string)
  nullable    = false
  default     = ["ecr.api", "ecr.dkr", "glue", "kms", "logs", "monitoring", "secretsmanager", "sns", "sqs", "sts"]

  validation {
    condition     = alltrue([for name in var.interface_endpoints : can(regex("^[a-z0-9-]+([.][a-z0-9-]+)*$", name)) && name != "s3"])
    error_message = "interface_endpoints takes names such as sqs or ecr.api; S3 has its gateway."
  }
}

variable "egress_cidrs" {
  description = "IPv4 ranges that tasks may reach by HTTPS besides AWS: webhooks of alert destinations, through a NAT or proxy of yours."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for cidr in var.egress_cidrs : can(cidrnetmask(cidr))])
    error_message = "egress_cidrs must be IPv4 ranges such as 203.0.113.0/24."
  }
}

variable "customer_role_name" {
  description = "Name (with its path, without the leading slash) of the reader role in every customer account; it may read through the S3 gateway."
  type        = string
  nullable    = false
  default     = "headwater-reader"

  validation {
    condition     = can(regex("^[\\w+=,.@-]+(/[\\w+=,.@-]+)*$", var.customer_role_name))
    error_message = "customer_role_name must be a role name such as headwater-reader or corp/headwater-reader, without wildcards."
  }
}

variable "customer_role_arns" {
  description = "Other roles that may read through the S3 gateway: of customers who brought their own, and of lookup tables."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.customer_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "customer_role_arns must be ARNs of IAM roles, without wildcards."
  }
}

variable "flow_log_retention_days" {
  description = "Days that CloudWatch keeps the VPC's flow log; 0: no flow log."
  type        = number
  nullable    = false
  default     = 90

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.flow_log_retention_days)
    error_message = "flow_log_retention_days must be 0 or one of the periods of CloudWatch Logs: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 …"
  }
}

variable "log_kms_key_arn" {
  description = "Key of the flow log's group; null: the one of CloudWatch Logs."
  type        = string
  default     = null

  validation {
    condition     = var.log_kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.log_kms_key_arn))
    error_message = "log_kms_key_arn must be the ARN of a KMS key."
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
