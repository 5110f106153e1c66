"""What metrics keep of rows until they are evaluated."""
