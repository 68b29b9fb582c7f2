"""What a run left below the work URI: its attempts, and the report that is made of them."""
