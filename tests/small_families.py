"""An import site with families of a few variants each: what a test reads by name and number."""

from import_site import ImportSite
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.lake.visible_rows import case_rows

HEADER = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{samples}
"""
SAMPLES = ("child{n}", "father{n}", "mother{n}")


class SmallFamilies(ImportSite):
    """Registers trios; the number of a family stands in each of its names."""

    def add(self, number: int) -> int:
        samples = [name.format(n=number) for name in SAMPLES]
        child, father, mother = samples
        folder = self.folder / "sources"
        folder.mkdir(exist_ok=True)
        vcf, ped = folder / f"family{number}.vcf", folder / f"family{number}.ped"
        lines = [f"chr1\t{1000 * at + number}\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\t0/1\t0/0\n" for at in range(1, 9)]
        vcf.write_text(HEADER.format(samples="\t".join(samples)) + "".join(lines))
        ped.write_text(
            f"FAM{number}\t{child}\t{father}\t{mother}\t1\t2\nFAM{number}\t{father}\t0\t0\t1\t1\n"
            f"FAM{number}\t{mother}\t0\t0\t2\t1\n"
        )
        return self.register(number, vcf, ped)

    def rows(self, case_id: int) -> dict[str, list[dict]]:
        with lake.open_catalog(self.settings) as catalog:
            namespace = self.settings.lake.namespace
            return {
                name: [row for batch in case_rows(catalog, namespace, case_id, name) for row in batch.to_pylist()]
                for name in CASE_TABLES
            }
