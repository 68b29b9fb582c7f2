"""A fake AWS for the ECS backend that really runs things.

One process, one endpoint: S3, IAM, EC2, CloudFormation, CloudWatch Logs and the other services are moto's; ECS tasks
are this package's. RunTask starts the container's command line as a process of this machine, with the task's
environment and a memory limit; its output goes to CloudWatch Logs, its exit code into the task. Faults come by script.

    with fake_ecs() as fake:
        ground = fake.provision(families={"radiant-poc": {}})
        fake.fault("throttle", call="ecs:DescribeTasks", times=3)
        subprocess.run([...], env=os.environ | fake.environment())
        fake.calls("ecs:RunTask", who="airflow")

An image's commands are found beside this interpreter; `fake.options(images={"radiant:test": "/folder/of/commands"})`
names another folder, and `None` an image that does not exist.
"""

from fakes.ecs.calls import Call
from fakes.ecs.client import FakeEcs, Ground, fake_ecs

__all__ = ["Call", "FakeEcs", "Ground", "fake_ecs"]
