"""A fake of AWS Amplify Hosting, which the emulator does not have.

It keeps what it is told and answers as AWS does, by the service model of botocore. It fetches no
repository, builds nothing, serves nothing and makes no certificate; what it answers says so.
"""
