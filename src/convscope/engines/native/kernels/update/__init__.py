"""What training needs beside the layers."""
