#!/bin/sh
# MWAA runs this on every component before it installs requirements.txt. See docs/mwaa.md.
# Replace the block by the output of `radiant ecs deploy`. No secrets: every user with access to the bucket can read them.

export RADIANT_BACKEND=ecs
export RADIANT_IMAGE=123456789012.dkr.ecr.us-east-1.amazonaws.com/radiant:0.1.0
export RADIANT_WORK_URI=s3://radiant-123456789012/work
export RADIANT_ECS__REGION=us-east-1
export RADIANT_ECS__CLUSTER=radiant
export RADIANT_ECS__TASK_DEFINITION=radiant
export RADIANT_ECS__LOG_GROUP=/radiant/jobs
export RADIANT_ECS__SECURITY_GROUPS=sg-0123456789abcdef0
export RADIANT_ECS__SUBNETS=subnet-0123456789abcdef0,subnet-0123456789abcdef1
export RADIANT_ECS__ASSIGN_PUBLIC_IP=false
export RADIANT_ECS__ARCHITECTURE=X86_64
