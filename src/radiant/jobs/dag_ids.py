"""The ids of the DAGs in `dags/`, as users and other tools see them."""

IMPORT_RADIANT = "import-radiant"
IMPORT_PART = "import-part"
IMPORT_VCF = "import-vcf"
POC = "POC-ecs-k8s-operators"
MAINTAIN = "maintain-tables"

IMPORT_DAGS = (IMPORT_RADIANT, IMPORT_PART, IMPORT_VCF)
"""Each triggers the next."""
ALL_DAGS = (*IMPORT_DAGS, MAINTAIN, POC)
