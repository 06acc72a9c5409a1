# UNTESTED. Nobody has run this script: there is no Windows build of the agent and the mover yet. It shows what a repair of
# the local machine does there, for the day when there is one. Read it before you run it.
#
# Repairs the agent on this machine: it trusts the certificate beside this script afterwards. As administrator:
#   powershell -ExecutionPolicy Bypass -File repair.ps1 [-AgentFolder FOLDER] [-PasswordFile FILE | -Ask]
# Exit codes: those of repair.sh.
param([string]$AgentFolder = '', [string]$PasswordFile = '', [switch]$Ask)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

function Finish([int]$Code, [string]$Text) {
  Write-Output ($Text -replace '[^\x20-\x7e]', '?')
  exit $Code
}

$user = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
if (-not $user.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
  Finish 5 'failed: this needs an administrator'
}
$certificate = Join-Path $PSScriptRoot 'OfcNTCer.dat'
if (-not (Test-Path -LiteralPath $certificate)) { Finish 3 'failed: OfcNTCer.dat is not beside this script' }
$mover = Join-Path $PSScriptRoot 'IpXfer_x64.exe'
if (-not [Environment]::Is64BitOperatingSystem) { $mover = Join-Path $PSScriptRoot 'IpXfer.exe' }
if (-not (Test-Path -LiteralPath $mover)) { Finish 3 "failed: $mover is not there: this kit was made by a server on Linux" }

# By the environment of the mover, never on a command line.
if ($Ask) {
  $secret = Read-Host 'The unload password' -AsSecureString
  $env:COUNTERSIGN_UNLOAD_PASSWORD = (New-Object Net.NetworkCredential ('', $secret)).Password
} elseif ($PasswordFile) {
  $env:COUNTERSIGN_UNLOAD_PASSWORD = Get-Content -LiteralPath $PasswordFile -TotalCount 1
}
$arguments = @('-e', $certificate)
if ($AgentFolder) { $arguments += @('-agent-folder', $AgentFolder) }
$ErrorActionPreference = 'Continue'
$said = (& $mover $arguments 2>&1 | Out-String).Trim()
$code = $LASTEXITCODE
Remove-Item Env:COUNTERSIGN_UNLOAD_PASSWORD -ErrorAction SilentlyContinue
if ($code -eq 0) { Finish 0 "repaired: $said" }
Finish $code "failed: the mover ended with ${code}: $said"
