"""What polling and showing instances costs, measured against bars: `python -m tests.bench`.

The parent process starts everything and measures nothing of itself. `stand_in` is AWS; `peers` are the tools that
ec2mon is compared with; a `Place` is an installation of ec2mon of its own, and its `Child` a fresh process in it, which
runs what stands in `inside`. Each group of bars is a module of its own, named in `__main__`.
"""
