"""The fast reader: plain lines become columns a few megabytes at a time, any other line is read alone.

- `slices`: the one trick everything rests on, with a drawing; `numbers`: digits without Python.
- `chunks`: text to lines and columns; `alleles`, `info`, `samples`, `entries`: what one column of the file says;
  `fields` and `rsnumbers`: what entries say.
- `genotypes`: rules that are evaluated once per distinct genotype; `tables` and
  `columns`: rows of the three tables.
- `reader`: puts them together, decides which lines are plain, and splices the others in.

No rule of the format lives here alone: a line with anything unusual is left to `vcf.line`, which describes the rules
and is the reference that the tests compare with.
"""
