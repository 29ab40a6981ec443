"""The state database: who owns which object, what became of it, alerts and their deliveries."""
