"""Amazon ECS as a platform that runs containers: one task a job."""
