"""The pages of radiant in Airflow's UI, served by Airflow's API server.

`plugin.py` is what Airflow loads; `app.py` has the routes and `pages.py` makes HTML of values. What the pages show
comes from Airflow's own database, from the registry and from documents below the work URI, never from a catalog.
"""
