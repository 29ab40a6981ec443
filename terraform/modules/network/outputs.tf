output "vpc_id" {
  description = "The VPC of the service."
  value       = local.vpc_id
}

output "vpc_cidr" {
  description = "Its IPv4 range."
  value       = local.vpc_cidr
}

output "private_subnet_ids" {
  description = "Subnets of tasks and database, one per availability zone."
  value       = local.subnet_ids
}

output "worker_security_group_id" {
  description = "Security group of the tasks: no way in, HTTPS to AWS."
  value       = aws_security_group.worker.id
}

output "endpoint_security_group_id" {
  description = "Security group of the interface endpoints; null without any."
  value       = local.has_interfaces ? aws_security_group.endpoints[0].id : null
}

output "endpoint_ids" {
  description = "Service → its endpoint."
  value = merge(
    { for name, endpoint in aws_vpc_endpoint.interface : name => endpoint.id },
    { for endpoint in aws_vpc_endpoint.s3 : "s3" => endpoint.id },
  )
}
