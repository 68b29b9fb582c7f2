"""The header: what it declares, and the case's members among its samples."""
