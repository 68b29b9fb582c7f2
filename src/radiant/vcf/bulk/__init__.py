"""On its way to `vcf.fast`."""
