"""What tests are built from: shops with a campaign, buyers, the sandbox gateway."""
