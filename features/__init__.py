"""Pure Spark: Column to Column, DataFrame to DataFrame; no table is opened here."""
