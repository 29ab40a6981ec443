output "role_arn" {
  description = "The role that Headwater assumes to read the logs."
  value       = local.makes_role ? aws_iam_role.this[0].arn : var.role_arn_existing
}

output "trust_policy" {
  description = "Trust policy of the reader role, as JSON; put it on a role of your own."
  value       = data.aws_iam_policy_document.trust.json
}

output "permissions_policy" {
  description = "Permissions of the reader role, as JSON; put it on a role of your own."
  value       = data.aws_iam_policy_document.read.json
}

output "topic_arns" {
  description = "Source name → topic that announces its objects, for the sources that have one."
  value = merge(
    { for name, s in local.sns_sources : name => aws_sns_topic.this[s.bucket].arn },
    { for s in var.sources : s.name => s.topic_arn if s.notifications == "existing_topic" },
  )
}

output "queue_subscriptions" {
  description = "Topic ARN → its subscription to the central queue; null where the central account has to make it."
  value = merge(
    { for bucket, arn in local.managed_topic_arns : arn => null if var.subscribe_from == "central" },
    { for s in values(aws_sns_topic_subscription.this) : s.topic_arn => s.arn },
  )
}

output "bucket_key_statements" {
  description = "Statements, as JSON, for policies that this module does not own: buckets (bucket → statements of its policy, needed where it lies in another account), keys (key ARN → statement of its policy, needed where it does not delegate to IAM), topic_key (for topic_kms_key_arn)."
  value = {
    buckets = { for bucket, prefixes in local.prefixes : bucket => jsonencode([
      {
        Sid       = "HeadwaterReads"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${var.account_id}:root" }
        Action    = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource  = [for prefix in prefixes : "arn:${local.partition}:s3:::${bucket}/${prefix}*"]
        Condition = { ArnEquals = { "aws:PrincipalArn" = local.role_arn } }
      },
      {
        Sid       = "HeadwaterLists"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${var.account_id}:root" }
        Action    = ["s3:GetBucketLocation", "s3:ListBucket"]
        Resource  = "arn:${local.partition}:s3:::${bucket}"
        Condition = { ArnEquals = { "aws:PrincipalArn" = local.role_arn } }
      },
    ]) }

    keys = { for arn in local.key_arns : arn => jsonencode({
      Sid       = "HeadwaterDecrypts"
      Effect    = "Allow"
      Principal = { AWS = "arn:${local.partition}:iam::${var.account_id}:root" }
      Action    = "kms:Decrypt"
      Resource  = "*"
      Condition = {
        ArnEquals    = { "aws:PrincipalArn" = local.role_arn }
        StringEquals = { "kms:ViaService" = local.via_s3[arn] }
      }
    }) }

    topic_key = var.topic_kms_key_arn == null ? null : jsonencode({
      Sid       = "BucketsPublishToEncryptedTopics"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = {
        ArnEquals    = { "aws:SourceArn" = [for bucket in local.sns_buckets : "arn:${local.partition}:s3:::${bucket}"] }
        StringEquals = { "aws:SourceAccount" = var.account_id }
      }
    })
  }
}
