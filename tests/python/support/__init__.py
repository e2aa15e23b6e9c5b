"""What tests share beside fixtures: small nets and files, stand-ins, running the commands."""
